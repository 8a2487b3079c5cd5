"""The chart on the cluster that KUBECONFIG names: installed, loaded through a rollout, watched through an outage."""
