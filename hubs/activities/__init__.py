"""What messages tell: readers turn each topic family into an activity, from which sentences are rendered."""
