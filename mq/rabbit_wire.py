"""How is what RabbitMQ sends taken in? Messages in one step each, as most of what comes are messages; all else by pika."""

from __future__ import annotations

import pika

from mq.rabbit_frames import message_at


class Wire(pika.SelectConnection):  # type: ignore[misc]  # pika tells no types
    """A connection. What comes for a consumer that pika does not know, or that was canceled meanwhile, is left to pika."""

    def _on_data_available(self, data_in: bytes) -> None:
        self._frame_buffer += data_in
        while self._frame_buffer:
            self._hand_on_messages()
            length, frame = self._read_frame()
            if not frame:
                return
            self._trim_frame_buffer(length)
            self._process_frame(frame)

    def _hand_on_messages(self) -> None:
        """Give the messages at the front of what came to their consumers."""
        data, at = self._frame_buffer, 0
        try:
            while found := message_at(data, at):
                channel = self._channels.get(found.channel)
                told = channel and found.consumer_tag not in channel._cancelled and channel._consumers.get(found.consumer_tag)
                if not told:
                    return
                at = found.end
                told(channel, found, found, found.body)
        finally:
            self._trim_frame_buffer(at)  # it counts the bytes, too: by these pika knows that the server lives
