"""Pictures, videos and words for what happened; readers of Steps that change nothing."""
