"""The command line: one file a command, thin. Data goes to stdout, narration to stderr."""
