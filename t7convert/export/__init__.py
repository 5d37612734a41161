"""What a converted network is written to, and how it is read back."""
