"""Where the camera stands: pictures of a board in the hand, and one least-squares fit."""
