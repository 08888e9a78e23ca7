//! Names and text formats of Kafka's log folders, both ways.
