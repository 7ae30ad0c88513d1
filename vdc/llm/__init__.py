"""How any part of the project asks an LLM: requests, reply store, client, runner, batch files."""
