"""What a training reads: examples, labels, batches."""
