"""The benchmark of transports: the same frames over this project and over what else people use."""
