"""Does the app's schedule teach simulated learners more than other schedules in the same minutes? See __main__."""
