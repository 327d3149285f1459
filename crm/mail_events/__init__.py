"""What mail providers tell: delivered, opened, clicked, bounced, complained, unsubscribed, each once and provably."""
