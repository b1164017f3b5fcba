"""Tests of atiny; their folders mirror the package."""
