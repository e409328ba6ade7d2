"""What is asked, when, and how you did. Knows neither torch nor the interface."""
