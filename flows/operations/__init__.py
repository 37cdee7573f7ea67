"""What needs extraction and models together, as plain functions of a store."""
