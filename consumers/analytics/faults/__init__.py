"""What is wrong with the capture, told apart from what the person does."""
