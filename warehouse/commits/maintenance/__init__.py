"""What keeps a store in order: verify, gc, rollback."""
