"""How catalog and journal are brought together after an interruption or a loss."""
