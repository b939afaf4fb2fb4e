"""What the centre is told of this bench beside the outbox: info, progress, active alarms (retained) and telemetry."""
