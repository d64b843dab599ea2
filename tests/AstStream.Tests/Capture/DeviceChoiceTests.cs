using AstStream.Connectors.Capture;
using AstStream.Connectors.Programs;

namespace AstStream.Tests.Capture;

public class DeviceChoiceTests
{
    private static readonly AudioDevice[] s_devices =
    [
        new(0, "ALSA", "HDA Intel PCH: ALC295 Analog (hw:0,0)", 2, 48000, 0.01, 0.04, false),
        new(3, "ALSA", "USB Audio: - (hw:1,0)", 1, 44100, 0.01, 0.04, false),
        new(4, "ALSA", "USB Audio: - (hw:2,0)", 1, 44100, 0.01, 0.04, false),
        new(5, "ALSA", "pulse", 32, 44100, 0.01, 0.04, true),
        new(6, "JACK", "pulse", 2, 48000, 0.01, 0.04, false),
        new(7, "ALSA", "pulse.monitor", 32, 44100, 0.01, 0.04, false),
    ];

    [Theory]
    [InlineData("HDA", null, null, 0)]
    [InlineData("hw:2", null, null, 4)]
    [InlineData("USB AUDIO: - (HW:1,0)", null, null, 3)]
    [InlineData("pulse", "alsa", null, 5)] // the whole name goes before a part of it
    [InlineData("pulse", "JACK", null, 6)]
    [InlineData(null, null, 4, 4)]
    [InlineData(null, null, null, 5)]
    [InlineData(null, "JACK", null, 6)]
    public void Pick_NamePartOrNumber_FindsTheOne(string? name, string? hostApi, int? index, int found) =>
        Assert.Equal(found, new DeviceChoice(name, hostApi, index).Pick(s_devices).Index);

    [Theory]
    [InlineData("USB", null, null, true, "2 devices match: 'ALSA: USB Audio: - (hw:1,0)', 'ALSA: USB Audio: - (hw:2,0)'")]
    [InlineData("pulse", null, null, true, "2 devices match: 'ALSA: pulse', 'JACK: pulse'")]
    [InlineData("Yeti", null, null, false, "there is no such device, or another program holds it; there are 'ALSA: HDA")]
    [InlineData(null, "CoreAudio", null, false, "there is no host API 'CoreAudio'")]
    [InlineData(null, null, 1, false, "there is no such device; there are 0 'ALSA: HDA")]
    public void Pick_NoneOrSeveral_ListsThem(string? name, string? hostApi, int? index, bool isFinal, string message)
    {
        var e = Assert.Throws<LinkException>(() => new DeviceChoice(name, hostApi, index).Pick(s_devices));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(isFinal, e.IsFinal);
    }

    [Fact]
    public void Pick_NoSoundCard_SaysSo() =>
        Assert.Contains(
            "no sound card", Assert.Throws<LinkException>(() => new DeviceChoice(null, null, null).Pick([])).Message,
            StringComparison.Ordinal);
}
