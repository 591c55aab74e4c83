"""What the system tests share: probes, recording and faulty upstreams, a real service provider, the oracle."""
