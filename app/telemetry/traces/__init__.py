"""Traces: sampling, spans, the attributes that they may carry, and their export."""
