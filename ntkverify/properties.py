"""Every claim as a test, for whoever has installed ntkverify: `pytest --pyargs ntkverify.properties -m equivalence`."""
