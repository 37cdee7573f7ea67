"""What each step costs against the size of the store, and what follows for larger ones."""
