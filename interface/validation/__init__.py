"""What a user gives, looked at before anything is done with it."""
