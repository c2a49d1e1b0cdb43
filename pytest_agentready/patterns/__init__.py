"""Code that a project can own: each module stands alone, and knows neither pytest nor the rest of this package."""
