/** The planned hand-over of a drive from one agent to another. */
@NullMarked
package io.varve.core.handover;

import org.jspecify.annotations.NullMarked;
