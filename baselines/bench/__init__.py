"""What token reductions cost, measured and counted at equal inputs."""
