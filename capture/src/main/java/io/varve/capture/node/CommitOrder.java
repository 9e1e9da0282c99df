package io.varve.capture.node;

import java.util.Optional;

/**
 * What QMP's block-commit is told of the images.
 *
 * @param device or the name of a node that nothing is over
 * @param base the file of the image that takes the others' content; the lowest of the chain when nothing names it
 * @param top the file of the uppermost image whose content is taken; the device's own when nothing names it
 * @param backingFile what the image over {@code top} shall name as its backing file
 * @param filterName a further name of {@code top} while the job runs
 */
public record CommitOrder(
        String device,
        Optional<String> baseNode,
        Optional<String> base,
        Optional<String> topNode,
        Optional<String> top,
        Optional<String> backingFile,
        Optional<String> filterName) {}
