using AstStream.Worker.Setup;

namespace AstStream.Tests.Setup;

public class SetupTextTests
{
    [Theory]
    [InlineData("rtsp://me:p@ss@10.0.0.5/s1", "rtsp://${env:BACK_YARD_LOGIN}@10.0.0.5/s1", "me:p@ss")]
    [InlineData("rtsp://10.0.0.5/s@1", "rtsp://10.0.0.5/s@1", null)]
    [InlineData("http://10.0.0.5/live?user=me&pwd=secret", "${env:BACK_YARD_URL}", "http://10.0.0.5/live?user=me&pwd=secret")]
    [InlineData("https://me@host", "https://${env:BACK_YARD_LOGIN}@host", "me")]
    public void Pipeline_AddressWithALogin_KeepsItApart(string url, string written, string? login)
    {
        var answers = new SetupAnswers { Name = "back-yard", Url = url };

        var text = SetupText.Pipeline(answers, "/data");

        Assert.Contains($"url: \"{written}\"\n", text, StringComparison.Ordinal);
        Assert.Equal(login, SetupText.Secrets(answers).Select(s => s.Value).FirstOrDefault());
    }

    [Fact]
    public void With_SecretsThatAreThere_ReplacesThoseAndKeepsTheOthers() => Assert.Equal(
        "# mine\nA='1'\nB='3'\n", SetupText.With("# mine\nA='1'\nB='2'\n", [("B", "3")]));

    [Fact]
    public void ReadLabels_NumbersNamesAndAMistake_AreReadAndTheNearestIsOffered()
    {
        string[] labels = ["Dog", "Shatter", "Baby cry, infant cry"];

        var good = SetupQuestions.ReadLabels("1; shatter; baby cry, infant cry", ["Dog"], labels, out var none);
        SetupQuestions.ReadLabels("Shater", [], labels, out var problem);

        Assert.Equal(labels, good);
        Assert.Null(none);
        Assert.Equal("the model has no label 'Shater'; did you mean 'Shatter'?", problem);
    }
}
