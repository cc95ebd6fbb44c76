"""What all HTML pages share: numbers, tables, curves, pictures, style; one file, no network."""
