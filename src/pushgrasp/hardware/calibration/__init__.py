"""Where the camera stands: a board in the hand or on the table, pictures, and one least-squares fit."""
