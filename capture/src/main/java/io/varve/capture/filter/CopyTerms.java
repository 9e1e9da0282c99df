package io.varve.capture.filter;

import java.time.Duration;

/**
 * What becomes of a write whose old content can't be copied (QEMU's on-cbw-error and cbw-timeout).
 *
 * @param timeout how long one write may wait for its copies; zero for as long as they take
 */
public record CopyTerms(OnCopyError onError, Duration timeout) {}
