export { camera, type CameraOptions, type CameraSession } from "./camera.js";
export { videoFrames, type VideoFramesOptions } from "./video-frames.js";
