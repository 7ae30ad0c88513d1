"""Video for the builders: reading, measuring and cutting with PyAV."""
