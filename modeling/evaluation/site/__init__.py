"""The pages of the site: each from its typed contents to bytes. Nothing here reads or writes."""
