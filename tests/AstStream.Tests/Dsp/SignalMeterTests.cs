using AstStream.Dsp;

namespace AstStream.Tests.Dsp;

public class SignalMeterTests
{
    [Theory]
    [InlineData(0.5, 0, -9.03, -6.02)]
    [InlineData(0.001, 0, -63.01, -60)]
    [InlineData(0.25, 0.25, -10.28, -6.02)] // rms of a sine upon a constant: sqrt(a²/2 + c²)
    public void Accept_Sine_TellsLevelPeakAndOffset(double amplitude, double offset, double rms, double peak)
    {
        var meter = new SignalMeter(16_000);

        meter.Accept(Sine(amplitude, offset, 16_000));

        Assert.Equal(rms, meter.RmsDb, 0.01);
        Assert.Equal(peak, meter.PeakDb, 0.01);
        Assert.Equal(offset, meter.DcOffset, 1e-5);
        Assert.Equal(0, meter.ClippedSamples);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(480)]
    [InlineData(100_000)]
    public void Accept_AnyChunking_TellsTheSame(int chunk)
    {
        var samples = OnlineFbankTests.Noise(40_000, seed: 3).Select((x, i) => i % 1000 == 0 ? 1f : x).ToArray();
        samples.AsSpan(30_000).Clear();
        var whole = new SignalMeter(8_000);
        whole.Accept(samples);
        var cut = new SignalMeter(8_000);
        foreach (var part in samples.Chunk(chunk))
            cut.Accept(part);

        Assert.Equal(whole.RmsDb, cut.RmsDb, 1e-3);
        Assert.Equal(whole.PeakDb, cut.PeakDb);
        Assert.Equal(30, cut.ClippedSamples);
        Assert.Equal(10_000 / 8_000.0, cut.SilentSeconds);
        Assert.Equal(whole.SilentSeconds, cut.SilentSeconds);
    }

    [Fact]
    public void SilentSeconds_OneSampleThatIsNotZero_BeginsAnew()
    {
        var meter = new SignalMeter(1_000);
        meter.Accept(new float[5_000]);
        Assert.Equal(5, meter.SilentSeconds);
        Assert.Equal(SignalMeter.FloorDb, meter.RmsDb);

        meter.Accept([0, 0, 1e-9f, 0]);

        Assert.Equal(0.001, meter.SilentSeconds, 1e-9);
    }

    [Fact]
    public void SilentChannels_OneChannelOfFourIsDead_NamesIt()
    {
        var decoder = new PcmDecoder(new PcmFormat(PcmEncoding.S16, 16_000, 4));
        var bytes = new byte[1000 * 8];
        for (var i = 0; i < bytes.Length; i += 2)
            bytes[i] = (byte)(i / 2 % 4 == 2 ? 0 : 1);
        var samples = new float[1000];
        for (var i = 0; i < 3; i++)
            decoder.Decode(bytes, samples);

        Assert.Equal([2], decoder.SilentChannels(3000));
        Assert.Empty(decoder.SilentChannels(3001));
    }

    private static float[] Sine(double amplitude, double offset, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (float)(offset + (amplitude * Math.Sin(2 * Math.PI * 100 * i / 16_000))))];
}
