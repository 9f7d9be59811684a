"""Forgetting a stream: a ledger every service reads, and the erasing of what is there already."""
