package io.varve.capture.job;

import io.varve.capture.tracking.Agent;
import io.varve.transfer.CopyPipeline;
import java.time.InstantSource;

/** What all jobs share. */
record JobsMeans(Agent agent, JobsThread thread, CopyPipeline pipeline, InstantSource clock) {}
