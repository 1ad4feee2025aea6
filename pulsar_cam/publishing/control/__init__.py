"""What decides how good and how many pictures are: the controller, its ladder, and what viewers and monitors say."""
