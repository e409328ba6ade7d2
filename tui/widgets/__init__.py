"""What screens are made of: prose, choices, the key bar, charts."""
