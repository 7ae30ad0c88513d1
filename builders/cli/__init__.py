"""Commands of the builders."""
