"""From pictures to embeddings: any timm model."""
