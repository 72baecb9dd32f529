"""Field types: what they are (kinds), their settings (properties), values in (writing) and out (reading)."""
