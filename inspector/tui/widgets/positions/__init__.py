"""What stands beside the tokens on their tab: where they are, how that comes about, by what they are turned."""
