"""Sandbox: a stand-in for the providers of payments, exchange rates and mail, with configurable faults.

It is for demos and tests. It moves no money and sends no e-mail.
"""
