"""The humanoid avatars are posed as: its bones, their rest, their rotations and limits."""
