"""A stand-in for the shop's providers: payments, exchange rates and mail, with faults of its own.

For demos and tests; it moves no money and sends no mail.
"""
