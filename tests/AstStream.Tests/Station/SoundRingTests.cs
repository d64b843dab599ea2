using AstStream.Station.Clips;

namespace AstStream.Tests.Station;

public sealed class SoundRingTests
{
    [Fact]
    public void Begin_BeforeWhatItHad_KeepsWhatComesFromThereOn()
    {
        var ring = new SoundRing(new SoundMemory(1 << 20));
        ring.Add(48_000_000, new float[20_000]);

        ring.Begin(16_000_000);
        Assert.Equal((16_000_000, 16_000_000), (ring.Start, ring.End));
        ring.Add(16_000_000, Enumerable.Repeat(0.5f, 10_000).ToArray());

        var sound = new short[10_000];
        Assert.Equal(10_000, ring.Read(16_000_000, sound));
        Assert.All(sound, s => Assert.Equal(16_384, s));
    }
}
