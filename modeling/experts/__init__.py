"""Linear and closed-form classifiers of one view each, and their fusion."""
