"""The chart on the cluster that KUBECONFIG names: installed, loaded through all that may happen to it, watched."""
