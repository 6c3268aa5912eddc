"""The families that ship, registered through entry points exactly as an outsider's are."""
