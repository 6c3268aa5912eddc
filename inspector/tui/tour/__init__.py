"""The guided tour: stops that lead through the screens with the bundled model."""
