"""What the pages of the site tell, read from the store as typed contents."""
